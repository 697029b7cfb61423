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
