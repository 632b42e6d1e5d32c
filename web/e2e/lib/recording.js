// A recording whose laps are known because it is made here: a car that takes exactly `lapS` for each round of an
// ellipse, as NMEA sentences with the digits a good receiver gives.

const METRES_PER_DEGREE = 111_195;

export function ellipse({ lapS, laps, hz = 10 }) {
  const lines = [];
  const total = Math.round(lapS * (laps + 0.6) * hz);
  for (let i = 0; i <= total; i += 1) {
    const t = i / hz;
    const angle = (2 * Math.PI * t) / lapS - 1;
    const [a, b] = [260, 120];
    const lat = 45.7 + (b * Math.sin(angle)) / METRES_PER_DEGREE;
    const lon = 13.1 + (a * Math.cos(angle)) / METRES_PER_DEGREE / Math.cos((45.7 * Math.PI) / 180);
    const rate = (2 * Math.PI) / lapS;
    const [east, north] = [-a * Math.sin(angle) * rate, b * Math.cos(angle) * rate];
    const knots = Math.hypot(east, north) * 1.943844;
    const course = ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
    const time = clock(36_000 + t);
    const place = `${degrees(lat, 2)},N,${degrees(lon, 3)},E`;
    lines.push(sentence(`GPRMC,${time},A,${place},${knots.toFixed(3)},${course.toFixed(2)},140626,,,A`));
    lines.push(sentence(`GPGGA,${time},${place},1,12,0.7,12.0,M,45.0,M,,`));
  }
  return lines.join('');
}

function clock(seconds) {
  const two = (n) => String(Math.floor(n)).padStart(2, '0');
  const rest = (seconds % 60).toFixed(2).padStart(5, '0');
  return `${two(seconds / 3600)}${two((seconds / 60) % 60)}${rest}`;
}

function degrees(value, width) {
  const whole = Math.floor(value);
  return String(whole).padStart(width, '0') + ((value - whole) * 60).toFixed(7).padStart(10, '0');
}

function sentence(body) {
  const sum = [...body].reduce((xor, letter) => xor ^ letter.charCodeAt(0), 0);
  return `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`;
}
