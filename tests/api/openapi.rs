//! `openapi.yaml` compared with the code: changing only one of them fails a test.

mod answers;
mod document;
mod errors;
mod every_release;
mod examples;
mod fields;
mod leniency;
mod parameters;
mod routes;
mod schema;
mod shapes;

use self::document::{Document, keys};

#[test]
fn the_document_has_the_version_of_the_crate() {
    assert_eq!(Document::read().at("/info/version"), env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_reference_resolves_and_every_component_is_used() {
    let document = Document::read();
    let references = document.references();
    for reference in &references {
        document.at(reference.strip_prefix('#').unwrap());
    }
    for kind in keys(document.at("/components")) {
        if kind == "securitySchemes" {
            continue;
        }
        for name in keys(document.at(&format!("/components/{kind}"))) {
            let reference = format!("#/components/{kind}/{name}");
            assert!(references.contains(&*reference), "nothing refers to {reference}");
        }
    }
}
