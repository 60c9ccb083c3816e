//! Tests of what is private here: dialogues with a scripted agent, and with a real one as it was recorded.

mod agent;
mod limits;
mod properties;
mod quirks;
mod security;
mod transcripts;
mod walking;
