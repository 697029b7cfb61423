//! probe
use lockstep_cluster::simulation::{Plan, run};
#[test]
fn probe() {
    for seed in [2000011, 3000005] {
        let o = run(&Plan::of_seed(seed));
        println!("{seed} {:?} {:?}", o.findings, o.malicious);
    }
}
