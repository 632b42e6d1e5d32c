//! A recording whose truth is plain: a circle driven at constant speed, so every lap takes the same time wherever the
//! gate is laid.

/// What every lap takes.
pub(crate) const LAP_S: f64 = 50.0;
/// Rounds driven, the first and the last of them not measured by any gate.
pub(crate) const ROUNDS: u32 = 6;

/// Six rounds at 10 Hz as our own loggers write them, lines ended by CR LF.
pub(crate) fn circle() -> Vec<u8> {
    let (lat, lon, radius_m) = (54.886_f64, -2.271_f64, 250.0);
    let metre_deg = 1.0 / 111_320.0;
    let speed_kmh = 2.0 * std::f64::consts::PI * radius_m / LAP_S * 3.6;
    let mut text =
        "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat,gps_epoch\r\n"
            .to_owned();
    for step in 0..=(f64::from(ROUNDS) * LAP_S * 10.0) as u64 {
        let t_s = step as f64 / 10.0;
        let angle = t_s / LAP_S * std::f64::consts::TAU;
        let north = lat + radius_m * angle.sin() * metre_deg;
        let east = lon + radius_m * angle.cos() * metre_deg / lat.to_radians().cos();
        text += &format!(
            "{},G,,,,,,,{north:.7},{east:.7},100.00,{speed_kmh:.2},12,4.012,{}\r\n",
            1000 + step * 100,
            1_792_345_678_900 + step * 100
        );
    }
    text.into_bytes()
}
