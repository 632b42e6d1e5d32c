use std::fs::File;
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use telemetry::columns::{ReadError, StreamReader};
use utoipa::{IntoParams, ToSchema};

use super::{not_ready, visible};
use crate::http::App;
use crate::http::body::Params;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::SessionReader;
use crate::store::sessions::Status;

/// A chart shows a dozen lines; with the points below this bounds an answer to some 10 MB.
const NAMES_MAX: usize = 32;
const POINTS_DEFAULT: usize = 2000;
/// Several times the pixels of a wide screen.
const POINTS_MAX: usize = 10_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DataParams {
    /// Comma-separated `stream.channel`, at most 32: `gps.speed_mps,imu.acc_x`.
    pub names: String,
    /// Seconds since the start of the recording; the beginning without it.
    pub from_s: Option<f64>,
    /// Seconds since the start of the recording; the end without it.
    pub to_s: Option<f64>,
    /// Points of each series, from 2 to 10 000; 2 000 without it. Where there are more rows, lows and highs are kept.
    pub max_points: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelData {
    /// In the order of `names`.
    pub series: Vec<DataSeries>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DataSeries {
    /// `stream.channel`, as asked for.
    pub name: String,
    pub unit: String,
    /// Seconds since the start of the recording, not decreasing, as many as `values`.
    pub t_s: Vec<f64>,
    /// `null` where unknown.
    #[schema(value_type = Vec<Option<f64>>)]
    pub values: telemetry::columns::Samples,
}

/// Values of channels over a stretch of time, thinned so that every peak stays.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/channels/data", operation_id = "channel_data", tag = "sessions",
    params(("id" = String, Path, description = "Session id"), DataParams),
    responses((status = 200, body = ChannelData), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No such session or channel."),
        (status = 409, body = ErrorBody, description = "`not_ready` or `analysis_failed`.")))]
pub(crate) async fn data(
    State(app): State<Arc<App>>,
    reader: SessionReader,
    Path(id): Path<String>,
    Params(params): Params<DataParams>,
) -> ApiResult<Json<ChannelData>> {
    let session = visible(&app, reader, &id).await?;
    let question = Question::parse(&params)?;
    if session.state.status() != Status::Ready {
        return Err(not_ready(&session));
    }
    // Reading and thinning a row group takes milliseconds of one core; more at once than cores only waits elsewhere.
    let permit = app
        .chart_permits
        .clone()
        .acquire_owned()
        .await
        .map_err(|error| ApiError::internal(&error))?;
    let folder = app.objects.derived_path(reader.tenant, session.recording);
    let answer = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        question.answer(&folder)
    });
    match answer.await.map_err(|error| ApiError::internal(&error))? {
        Ok(series) => Ok(Json(ChannelData { series })),
        Err(DataError::NoChannel(name)) => Err(absent(&app, reader, &id, &name).await),
        Err(error @ (DataError::Open(_) | DataError::Read(_))) => Err(ApiError::internal(&error)),
    }
}

/// A channel was not there. If the session is no longer ready its files were on their way out while they were read, and
/// the channel may be back in a moment.
async fn absent(app: &App, reader: SessionReader, id: &str, name: &str) -> ApiError {
    match visible(app, reader, id).await {
        Ok(session) if session.state.status() == Status::Ready => {
            ApiError::not_found(&format!("channel `{name}` in this session"))
        }
        Ok(session) => not_ready(&session),
        Err(error) => error,
    }
}

#[derive(Debug, thiserror::Error)]
enum DataError {
    #[error("no channel {0}")]
    NoChannel(String),
    #[error("a channel file cannot be opened")]
    Open(#[source] io::Error),
    #[error("a channel file cannot be read")]
    Read(#[source] ReadError),
}

/// What is asked for, checked.
struct Question {
    names: Vec<(String, String)>,
    from_s: f64,
    to_s: f64,
    points_max: usize,
}

impl Question {
    fn parse(params: &DataParams) -> ApiResult<Self> {
        let names = params
            .names
            .split(',')
            .map(parse_name)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| {
                ApiError::bad_request(
                    "bad_names",
                    "`names` is a list like gps.speed_mps,imu.acc_x: stream, dot, channel.",
                )
            })?;
        if names.len() > NAMES_MAX {
            return Err(ApiError::bad_request(
                "bad_names",
                format!("At most {NAMES_MAX} channels at a time."),
            ));
        }
        let from_s = params.from_s.unwrap_or(f64::NEG_INFINITY);
        let to_s = params.to_s.unwrap_or(f64::INFINITY);
        // Written so that NaN, which a query can hold, is refused too.
        if !matches!(
            from_s.partial_cmp(&to_s),
            Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)
        ) {
            return Err(ApiError::bad_request(
                "bad_range",
                "`from_s` must not be after `to_s`.",
            ));
        }
        let points_max = params.max_points.unwrap_or(POINTS_DEFAULT).clamp(2, POINTS_MAX);
        Ok(Self {
            names,
            from_s,
            to_s,
            points_max,
        })
    }

    /// Reads each stream's file once, whatever the order of the names.
    fn answer(&self, folder: &FilePath) -> Result<Vec<DataSeries>, DataError> {
        let mut found: Vec<Option<DataSeries>> = self.names.iter().map(|_| None).collect();
        for (first, (stream, _)) in self.names.iter().enumerate() {
            if found[first].is_some() {
                continue;
            }
            let of_stream: Vec<usize> = (first..self.names.len())
                .filter(|&i| self.names[i].0 == *stream)
                .collect();
            let channels: Vec<&str> = of_stream.iter().map(|&i| self.names[i].1.as_str()).collect();
            for (i, series) in of_stream.into_iter().zip(self.read(folder, stream, &channels)?) {
                found[i] = Some(series);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    fn read(&self, folder: &FilePath, stream: &str, channels: &[&str]) -> Result<Vec<DataSeries>, DataError> {
        let file = match File::open(folder.join(format!("{stream}.parquet"))) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DataError::NoChannel(format!("{stream}.{}", channels.join(","))));
            }
            Err(error) => return Err(DataError::Open(error)),
        };
        let reader = StreamReader::open(file).map_err(DataError::Read)?;
        let series = reader
            .series(channels, self.from_s..=self.to_s, self.points_max)
            .map_err(|error| match error {
                ReadError::NoChannel(name) => DataError::NoChannel(format!("{stream}.{name}")),
                ReadError::Parquet(_) | ReadError::Layout(_) => DataError::Read(error),
            })?;
        let named = series.into_iter().map(|series| DataSeries {
            name: format!("{stream}.{}", series.name),
            unit: series.unit,
            t_s: series.t_s,
            values: series.values,
        });
        Ok(named.collect())
    }
}

/// `stream.channel`. A stream names a file, so only the characters that streams are made of may pass.
fn parse_name(text: &str) -> Option<(String, String)> {
    let (stream, channel) = text.trim().split_once('.')?;
    let plain = stream
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (plain && !stream.is_empty() && !channel.is_empty()).then(|| (stream.to_owned(), channel.to_owned()))
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::backend::Backend;
    use crate::config::Config;
    use crate::ingest::{Kind, Sender, Upload};
    use crate::place::Place;
    use crate::store::sql::query;
    use crate::store::{StoreError, TenantId};

    #[test]
    fn a_stream_name_cannot_leave_its_folder() {
        assert_eq!(
            parse_name("gps.speed_mps"),
            Some(("gps".to_owned(), "speed_mps".to_owned()))
        );
        for bad in ["../gps.x", "/etc/passwd.x", ".x", "gps.", "gps", "GPS.x", ""] {
            assert_eq!(parse_name(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_channel_that_went_missing_while_its_session_waits_again_is_a_conflict() {
        let folder = tempfile::tempdir().unwrap();
        let backend = Backend::open(&Place::local(folder.path()), 1_000_000)
            .await
            .unwrap();
        let tenant = TenantId(backend.store.new_id());
        let adding = backend.store.write_across::<_, StoreError, _>(move |rows| {
            Box::pin(async move {
                let insert = query("INSERT INTO tenants (id, name, created_at) VALUES ($1, 'team', 0)");
                insert.bind(tenant).execute(rows).await
            })
        });
        adding.await.unwrap();
        let upload = Upload {
            sender: Sender {
                tenant,
                device: None,
                user: None,
            },
            file_name: "a.txt".to_owned(),
            kind: Kind::Drive,
            size_bytes: None,
        };
        let receipt = backend
            .ingest
            .begin(upload)
            .await
            .unwrap()
            .finish()
            .await
            .unwrap();
        let id = receipt.placed.session.unwrap().to_string();
        let url = "http://localhost".parse().unwrap();
        let app = App::new(
            &backend,
            url,
            &Config::local(folder.path()),
            CancellationToken::new(),
        )
        .unwrap();
        let reader = SessionReader::of_team(tenant);

        let waiting = absent(&app, reader, &id, "gps.speed_mps").await;
        assert_eq!(
            (waiting.status().as_u16(), waiting.detail().code.as_str()),
            (409, "not_ready")
        );
        assert!(backend.jobs.run_next().await.unwrap());
        let failed = absent(&app, reader, &id, "gps.speed_mps").await;
        assert_eq!(
            (failed.status().as_u16(), failed.detail().code.as_str()),
            (409, "analysis_failed")
        );
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        let ask = |from_s, to_s| {
            let params = DataParams {
                names: "gps.speed_mps".to_owned(),
                from_s,
                to_s,
                max_points: Some(1_000_000),
            };
            Question::parse(&params)
        };
        assert_eq!(ask(None, None).unwrap().points_max, POINTS_MAX);
        assert!(ask(Some(2.0), Some(1.0)).is_err());
        assert!(ask(Some(f64::NAN), None).is_err());
    }
}
