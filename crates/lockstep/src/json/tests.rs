use super::*;

#[test]
fn numbers_keep_their_digits_and_values_print_as_read() {
    let text = r#"{"a":61250.500000000000001,"b":[null,true,"x\"y"],"c":{}}"#;
    let value = Json::parse(text).unwrap();
    assert_eq!(value.get("a"), Some(&Json::Number("61250.500000000000001".into())));
    assert_eq!(value.to_string(), text);
}

#[test]
fn a_field_that_stands_twice_is_refused_at_any_depth() {
    let error = Json::parse(r#"[{"a":1,"b":2,"a":3}]"#).unwrap_err();
    assert!(error.message.contains("`a` stands twice"), "{error}");
}

#[test]
fn bad_syntax_names_its_column_and_depth_is_bounded() {
    assert_eq!(Json::parse(r#"{"a": }"#).unwrap_err().column, 7);
    assert!(Json::parse("{} {}").is_err());
    assert!(Json::parse("").is_err());
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(Json::parse(&deep).unwrap_err().message.contains("nested deeper"));
}

#[test]
fn a_fault_is_found_by_its_line_and_column_however_deep() {
    let place = |text: &str| {
        let error = Json::parse(text).unwrap_err();
        (error.line, error.column)
    };
    assert_eq!(place("{\n  \"a\": }"), (2, 8));
    // The second `b` stands in line 3, and so does the brace that ends its object.
    assert_eq!(place("{\"x\": [\n  1,\n  {\"b\": 1, \"b\": 2}\n]}"), (3, 18));
    assert_eq!(place("{\"x\":\n  \"\\ud800\"}"), (2, 10));
    assert_eq!(
        Json::parse("[\n{\"b\": 1, \"b\": 2}]").unwrap_err().to_string(),
        "line 2, column 16: field `b` stands twice"
    );
}
