//! PostgreSQL's row-level security, tried around our own query layer. On SQLite there is none: these tests say so and pass.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking, and aloud what it cannot try"
)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use server::clock::{Ids, SystemClock};
use server::place::Place;
use server::store::{Store, StoreError};
use sqlx::PgConnection;
use support::*;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    server: String,
    store: Store,
}

/// A database with a recording of each of two teams; `None` on SQLite.
async fn bench() -> Option<Bench> {
    let Some(server) = engine::server() else {
        eprintln!(
            "SKIPPED on SQLite: row-level security is PostgreSQL's; `cargo xtask test` runs this there too"
        );
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let backend = backend_on(folder.path(), Ticking::new(), 1).await;
    add_tenants_and_loggers(&backend.store).await;
    for (tenant, logger) in [(TENANT_A, LOGGER_1), (TENANT_B, LOGGER_OF_B)] {
        let sender = from_logger(tenant, logger);
        send(&backend.ingest, sender, "a.csv", b"1,2\n").await.unwrap();
    }
    let store = backend.store.clone();
    Some(Bench {
        folder,
        server,
        store,
    })
}

impl Bench {
    async fn as_program(&self) -> PgConnection {
        let url = engine::url_as(engine::PLAIN_ROLE, &self.server, self.folder.path()).await;
        engine::connection(&url).await
    }
}

/// The tenants of the recordings that a connection sees.
async fn seen(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT tenant_id FROM recordings ORDER BY tenant_id")
        .fetch_all(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_connection_without_a_tenant_sees_and_changes_nothing() {
    let Some(bench) = bench().await else { return };
    let mut connection = bench.as_program().await;
    assert!(seen(&mut connection).await.is_empty());
    let changed = sqlx::query("UPDATE recordings SET file_name = 'mine'")
        .execute(&mut connection)
        .await;
    assert_eq!(changed.unwrap().rows_affected(), 0);
    let added = sqlx::query("INSERT INTO tenants (id, name, created_at) VALUES ('x', 'x', 0)")
        .execute(&mut connection)
        .await;
    assert!(added.unwrap_err().to_string().contains("row-level security"));
}

#[tokio::test]
async fn a_query_that_forgets_its_tenant_finds_no_other_teams_rows() {
    let Some(bench) = bench().await else { return };
    // Every pooled connection serves both in turn, many more times than there are connections.
    for round in 0..40 {
        let (mine, theirs) = if round % 2 == 0 {
            (TENANT_A, TENANT_B)
        } else {
            (TENANT_B, TENANT_A)
        };
        let mut rows = bench.store.read(mine).await.unwrap();
        let forgetful = rows
            .query("SELECT tenant_id FROM recordings WHERE $1 <> ''")
            .fetch_all()
            .await
            .unwrap();
        let found: Vec<String> = forgetful
            .iter()
            .map(|row| row.get("tenant_id").unwrap())
            .collect();
        assert_eq!(found, [mine.to_string()]);
        let taken = bench.store.write::<_, StoreError, _>(mine, move |mut rows| {
            Box::pin(async move {
                rows.query("UPDATE recordings SET tenant_id = $1, file_name = 'taken' WHERE tenant_id = $2")
                    .bind(theirs)
                    .execute()
                    .await
            })
        });
        assert_eq!(taken.await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_row_cannot_be_given_to_another_team() {
    let Some(bench) = bench().await else { return };
    let given = bench.store.write::<_, StoreError, _>(TENANT_A, |mut rows| {
        Box::pin(async move {
            rows.query("UPDATE recordings SET tenant_id = $2 WHERE tenant_id = $1")
                .bind(TENANT_B)
                .execute()
                .await
        })
    });
    let refused = given.await.unwrap_err().to_string();
    assert!(refused.contains("row-level security"), "{refused}");
}

#[tokio::test]
async fn what_is_set_for_one_transaction_does_not_outlive_it() {
    let Some(bench) = bench().await else { return };
    let mut connection = bench.as_program().await;
    engine::run(&mut connection, "BEGIN".to_owned()).await;
    let set = format!("SELECT set_config('fieldpost.tenant', '{TENANT_A}', true)");
    engine::run(&mut connection, set).await;
    assert_eq!(seen(&mut connection).await, [TENANT_A.to_string()]);
    engine::run(&mut connection, "ROLLBACK".to_owned()).await;
    assert!(seen(&mut connection).await.is_empty());
}

#[tokio::test]
async fn every_table_with_a_tenant_is_guarded_even_from_its_owner() {
    let Some(bench) = bench().await else { return };
    let mut connection = bench.as_program().await;
    let tables = |rows: Vec<String>| rows.into_iter().collect::<BTreeSet<_>>();
    let with_tenant = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.columns \
         WHERE table_schema = 'public' AND column_name = 'tenant_id'",
    );
    let with_tenant = tables(with_tenant.fetch_all(&mut connection).await.unwrap());
    let guarded = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_policies p ON p.tablename = c.relname \
         WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.policyname = 'team'",
    );
    let guarded = tables(guarded.fetch_all(&mut connection).await.unwrap());
    assert!(with_tenant.len() >= 7, "{with_tenant:?}");
    let open: Vec<_> = with_tenant.difference(&guarded).collect();
    assert!(open.is_empty(), "without row-level security: {open:?}");
}

#[tokio::test]
async fn a_role_that_policies_do_not_bind_is_refused() {
    let Some(bench) = bench().await else { return };
    let mut place = Place::local(bench.folder.path());
    let admin = engine::url_as("fieldpost_admin", &bench.server, bench.folder.path()).await;
    place.database_url = Some(admin.parse().unwrap());
    let opened = Store::open(
        place.database(),
        Arc::new(SystemClock),
        Arc::new(Ids::from_system()),
    )
    .await;
    let error = opened.err().unwrap();
    assert!(matches!(error, StoreError::RoleTooPowerful { .. }), "{error}");
}

#[tokio::test]
async fn a_migrating_role_owns_the_tables_that_the_program_works_with() {
    let Some(bench) = bench().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place::local(folder.path());
    let program = engine::url_as(engine::PLAIN_ROLE, &bench.server, folder.path()).await;
    let admin = engine::url_as("fieldpost_admin", &bench.server, folder.path()).await;
    let mut by_hand = engine::connection(&admin).await;
    let role = format!("migrator_{}", std::process::id());
    engine::run(
        &mut by_hand,
        format!("CREATE ROLE {role} LOGIN; GRANT CREATE, USAGE ON SCHEMA public TO {role}"),
    )
    .await;
    place.database_url = Some(program.parse().unwrap());
    let migrator = engine::url_as(&role, &bench.server, folder.path()).await;
    place.migrate_database_url = Some(migrator.parse().unwrap());

    let store = Store::open(
        place.database(),
        Arc::new(SystemClock),
        Arc::new(Ids::from_system()),
    )
    .await
    .unwrap();
    add_tenants_and_loggers(&store).await;
    let owners: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'")
            .fetch_all(&mut by_hand)
            .await
            .unwrap();
    assert_eq!(owners, [role]);
    let mut rows = store.read(TENANT_A).await.unwrap();
    let mine = rows.query("SELECT COUNT(*) AS n FROM devices WHERE tenant_id = $1");
    assert_eq!(mine.fetch_one().await.unwrap().get::<i64>("n").unwrap(), 2);
}
