# Recipes for daily work; ./test is what a change must pass.

# The recipes.
default:
    @just --list --unsorted

# The lockstep binary with arguments, as shipped: `just run replay scenarios/`.
run *arguments:
    cargo run --release -p lockstep -- {{ arguments }}

# Everything, or only the named steps: `just test clippy docs`.
test *steps:
    ./test {{ steps }}

# Formatting and lints, the quick half of ./test.
lint:
    ./test lock format clippy docs

# Thousands of seeds of whole validators with faults: four tests of SEEDS seeds each.
sim seeds="1000":
    LOCKSTEP_SEEDS={{ seeds }} cargo nextest run -p lockstep-cluster --profile long --no-fail-fast

# Four nodes under trading load for SECONDS: memory and disk over time.
soak seconds="3600":
    cargo build --release -p lockstep
    tests/soak.sh {{ seconds }}

# Hosts in network namespaces, with cables cut and nodes killed for SECONDS.
hosts seconds="600":
    cargo build --release -p lockstep
    tests/hosts.sh {{ seconds }}

# The long property and differential run.
cases cases="1000000":
    LOCKSTEP_CASES={{ cases }} cargo nextest run --workspace --profile long --no-fail-fast

# Every fuzz target for SECONDS, or only the named ones: `just fuzz 600 decode_block`.
fuzz seconds="300" *targets:
    fuzz/run.sh {{ seconds }} {{ targets }}

# The matching benchmark, built as shipped: `just bench --quick`.
bench *arguments:
    cargo run --release -p lockstep -- bench match {{ arguments }}

# The risk benchmark, built as shipped: `just bench-risk --rows sums accounts`.
bench-risk *arguments:
    cargo run --release -p lockstep -- bench risk {{ arguments }}

# Licences, sources, duplicates and (with a network) advisories of dependencies.
deny:
    cargo deny --version || cargo install --locked cargo-deny
    cargo deny check

# The documentation of all crates, with private items.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
