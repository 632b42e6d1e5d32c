#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../web/packages/api-client/openapi.json"
    );
    let committed = std::fs::read_to_string(path).unwrap();
    let current = server::openapi().to_pretty_json().unwrap();
    assert!(
        committed.trim() == current.trim(),
        "the API has changed; write the document anew:\n\
         cargo run -p server --example openapi > web/packages/api-client/openapi.json"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(server::openapi()).unwrap();
    let operations = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values());
    let mut names: Vec<String> = operations
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}
