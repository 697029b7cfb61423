//! Dependencies of shipped code are few, and each has a record that says why it is there.

/// Dependencies in a crate's manifest that no decision record names in backticks.
pub fn without_record(manifest: &str, records: &str) -> Vec<String> {
    let mut in_dependencies = false;
    let mut complaints = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.trim().ends_with("dependencies]")
                && !line.contains("dev-dependencies")
                && !line.contains("workspace");
            continue;
        }
        let name: String =
            line.chars().take_while(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
        let is_ours = name.starts_with("lockstep");
        if in_dependencies
            && !name.is_empty()
            && !is_ours
            && !records.contains(&format!("`{name}`"))
        {
            complaints.push(format!("{}: no record in docs/decisions names `{name}`", index + 1));
        }
    }
    complaints
}

#[test]
fn a_dependency_without_a_record_is_named() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\nblake3.workspace = true\n\
        lockstep-types.workspace = true\n# why\nserde = { version = \"1\" }\n\
        [dev-dependencies]\nproptest = \"1\"\n[build-dependencies]\ncc = \"1\"\n";
    assert_eq!(
        without_record(manifest, "# `blake3` for digests\nserde is fast"),
        [
            "7: no record in docs/decisions names `serde`",
            "11: no record in docs/decisions names `cc`",
        ]
    );
    assert!(without_record(manifest, "`blake3` `serde` `cc`").is_empty());
}
