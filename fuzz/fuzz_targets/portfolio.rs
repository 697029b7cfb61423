//! Portfolios and files of test vectors as strangers write them: each is answered or refused in
//! words, and what is answered can be shown; nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep::margin::account::{Mode, Options};
use lockstep::margin::{read, shown};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match shown(text, Options::default()) {
        Ok([json, report]) => {
            assert!(json.starts_with('{') && json.ends_with('}'), "an object comes out");
            let others = report.chars().filter(|c| *c != '\n' && c.is_control()).count();
            assert!(others == 0, "a terminal gets no control character");
            // The models do not depend on each other, and computing what is given may fail, but
            // only in words.
            for mode in [Mode::Portfolio, Mode::Standard] {
                assert!(
                    shown(text, Options { mode, reprice: false }).is_ok(),
                    "both were answered"
                );
            }
            drop(shown(text, Options { reprice: true, ..Options::default() }));
        }
        Err(problem) => assert!(!problem.to_string().is_empty(), "a refusal says why"),
    }
    // What a file lacks may come from another, which may be as odd.
    drop(read::read("{\"cases\": []}", Some(text)));
});
