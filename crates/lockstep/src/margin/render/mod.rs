//! How answers are shown: exact integers for programs, tables for people.

pub mod json;
mod portfolio;
pub mod report;
mod standard;
mod table;
