//! What cannot be seen from outside: how much room a count makes.

use super::Reader;

#[test]
fn a_count_makes_no_more_room_than_the_input_fills() {
    let bytes = [0; 1_000];
    let reader = Reader::new(&bytes);
    assert_eq!(reader.empty_list::<u8>(10).capacity(), 10);
    assert_eq!(reader.empty_list::<u8>(50_000).capacity(), 1_000);
    assert_eq!(reader.empty_list::<[u64; 25]>(1_000).capacity(), 5);
    assert_eq!(reader.empty_list::<[u64; 1_000]>(1_000).capacity(), 0);
    assert!(reader.empty_list::<()>(1_000).is_empty());
}
