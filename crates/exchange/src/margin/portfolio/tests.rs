//! Portfolio margin over views.
