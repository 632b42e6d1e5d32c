//! What a vehicle can do: grip, power, brakes and drag.

/// Metres per second squared in one g.
pub(crate) const G_MPS2: f64 = 9.806_65;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VehicleKind {
    Car,
    Motorcycle,
    Kart,
}

/// The few numbers that decide a lap time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vehicle {
    pub kind: VehicleKind,
    /// With driver and fuel.
    pub mass_kg: f64,
    pub power_w: f64,
    /// ½·ρ·Cd·A, newtons per (m/s)².
    pub drag_n_per_mps2: f64,
    pub rolling_g: f64,
    pub lateral_g: f64,
    pub braking_g: f64,
    /// Traction of the driven wheels; on a motorcycle the limit at which the front wheel lifts.
    pub traction_g: f64,
    pub pit_speed_mps: f64,
    /// Length over which it merges from the pit lane and back.
    pub pit_blend_m: f64,
    /// Distance of the pit lane's middle from the track's.
    pub pit_offset_m: f64,
}

impl Vehicle {
    /// A road car on track-day tyres.
    pub fn car() -> Self {
        Self {
            kind: VehicleKind::Car,
            mass_kg: 1_350.0,
            power_w: 220_000.0,
            drag_n_per_mps2: 0.42,
            rolling_g: 0.015,
            lateral_g: 1.15,
            braking_g: 1.0,
            traction_g: 0.55,
            pit_speed_mps: 16.0,
            pit_blend_m: 120.0,
            pit_offset_m: 14.0,
        }
    }

    /// A 600 on sports tyres.
    pub fn motorcycle() -> Self {
        Self {
            kind: VehicleKind::Motorcycle,
            mass_kg: 270.0,
            power_w: 85_000.0,
            drag_n_per_mps2: 0.22,
            rolling_g: 0.02,
            lateral_g: 1.2,
            braking_g: 0.95,
            traction_g: 0.8,
            pit_speed_mps: 16.0,
            pit_blend_m: 120.0,
            pit_offset_m: 14.0,
        }
    }

    /// A single-speed rental-class racing kart.
    pub fn kart() -> Self {
        Self {
            kind: VehicleKind::Kart,
            mass_kg: 165.0,
            power_w: 19_000.0,
            drag_n_per_mps2: 0.45,
            rolling_g: 0.03,
            lateral_g: 1.8,
            braking_g: 1.0,
            traction_g: 0.5,
            pit_speed_mps: 8.0,
            pit_blend_m: 30.0,
            pit_offset_m: 8.0,
        }
    }
}
