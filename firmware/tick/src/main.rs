//! Records for a minute and prints how many instructions each tick took.
//!
//! Runs on QEMU's `virt` machine with `-icount`, where `minstret` counts what was really executed. A tick is what happens every
//! 10 ms: an inertial sample, ten times a second a fix, rows, checksum, and at a block's end its seal and digest. The card is memory
//! that takes no time: what its driver costs is not of this.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use device::recorder::{About, GpsSample, ImuCounts, ImuSample, ImuScale, Recording, Samples};
use riscv::register::minstret;
use wire::recording::{Gps, RecordingId};

const UART: *mut u8 = 0x1000_0000 as *mut u8;
const EXIT: *mut u32 = 0x0010_0000 as *mut u32;
const EXIT_GOOD: u32 = 0x5555;
const EXIT_BAD: u32 = 0x1_3333;
const TICKS: u32 = 6_000;

struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the virt machine's NS16550 transmits what is stored here.
            unsafe { UART.write_volatile(byte) };
        }
        Ok(())
    }
}

fn exit(code: u32) -> ! {
    // SAFETY: the virt machine's test device ends the emulation.
    unsafe { EXIT.write_volatile(code) };
    loop {}
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let _ = writeln!(Uart, "{info}");
    exit(EXIT_BAD)
}

/// A sample whose digits change as a ride's do.
fn imu(tick: u32) -> ImuSample {
    let wave = |step: u32| ((tick.wrapping_mul(step) >> 4) % 16_384) as i16 - 8_192;
    ImuSample {
        tick_ms: tick * 10,
        counts: ImuCounts {
            acc: [wave(977), wave(1_409), wave(2_221)],
            gyro: [wave(3_001), wave(4_099), wave(5_003)],
        },
    }
}

fn gps(tick: u32) -> GpsSample {
    let moved = (tick * 37) as i32;
    GpsSample {
        tick_ms: tick * 10,
        gps: Gps {
            lat_e7_deg: 514_000_000 + moved,
            lon_e7_deg: -12_345_678 - moved,
            alt_cm: 12_345,
            speed_e2_kmh: 9_876,
            satellites: 11,
            vbat_mv: Some(3_987),
            epoch_ms: Some(1_795_176_000_000 + i64::from(tick) * 10),
        },
    }
}

fn record() -> Result<(), wire::recording::BufferTooSmall> {
    let about = About {
        id: RecordingId(0x5eed),
        device: "Datalogger-7F3A",
        firmware: "0.1.0",
        profile: "car",
        track: None,
        scale: ImuScale::BMI,
    };
    let (mut samples, mut recording) = (Samples::new(), Recording::open(&about, u32::MAX, 0)?);
    let (mut all, mut most, mut blocks) = (0_u64, 0, 0_u32);
    for tick in 1..=TICKS {
        let before = minstret::read64();
        samples.imu(imu(tick));
        if tick.is_multiple_of(10) {
            samples.gps(gps(tick));
        }
        recording.take(&mut samples, tick * 10)?;
        while recording.ready().is_some() {
            recording.written();
            blocks += 1;
            recording.take(&mut samples, tick * 10)?;
        }
        let took = minstret::read64() - before;
        all += took;
        most = most.max(took);
    }
    let _ = writeln!(
        Uart,
        "{{\"ticks\":{TICKS},\"blocks\":{blocks},\"mean_instructions\":{},\"most_instructions\":{most}}}",
        all / u64::from(TICKS)
    );
    Ok(())
}

#[riscv_rt::entry]
fn main() -> ! {
    exit(if record().is_ok() { EXIT_GOOD } else { EXIT_BAD })
}
