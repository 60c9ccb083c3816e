//! Visits, against a scripted server: how much of what it tells is taken in.

#![cfg(feature = "ring")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use common::{World, body, command, page, synced};
use probe_core::{Context, Host, Target};

#[tokio::test]
async fn news_are_read_up_to_the_limits_of_an_answer_and_of_answers() {
    for (told, read) in [(511, 5110), (512, 5120), (513, 5120)] {
        let world = World::new(move |request| {
            let is_first = || body(request).contains("<SyncKey>0<");
            // There is always more of it.
            (command(request) == "Sync" && !is_first()).then(|| page(&synced("k2", told)))
        })
        .await;
        let address = world.web.address();
        let target = Target::host(Host::Address(address.ip()), address.port());
        let probe = world.options().build().unwrap();
        let mut visit = probe.visit(&target, &Context::default()).await.unwrap();
        let before = world.asked().len();
        assert_eq!(visit.news().await.unwrap().len(), read);
        assert_eq!(world.asked()[before..], ["Sync"; 10]);
    }
}
