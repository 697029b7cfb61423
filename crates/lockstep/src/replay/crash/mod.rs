//! stub
use super::{Context, Finished};
use crate::failure::Failure;
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Arguments {}
pub fn run(_: &Arguments, _: &mut Context) -> Result<Finished, Failure> { Err(Failure::Broken("stub".into())) }
