"""From the recording to laps and Parquet with pandas, vectorised; prints the seconds as JSON.

Arguments: recording, folder for the Parquet files, gate as JSON [[lat, lon], [lat, lon]] (left end first).
"""
import json
import sys
import time

import numpy
import pandas

path, folder, gate = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
began = time.perf_counter()
frame = pandas.read_csv(path)
fixes = frame[frame["row_type"] == "G"].reset_index(drop=True)
inertial = frame.loc[frame["row_type"] == "I", ["tick_ms", "acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"]]

# The gate as a line in metres; a fix is before it where its signed distance is negative.
(left_lat, left_lon), (right_lat, right_lon) = gate
shrink = numpy.cos(numpy.radians(left_lat))
east = (fixes["lon"].to_numpy() - left_lon) * 111_320.0 * shrink
north = (fixes["lat"].to_numpy() - left_lat) * 111_320.0
gate_east = (right_lon - left_lon) * 111_320.0 * shrink
gate_north = (right_lat - left_lat) * 111_320.0
width = numpy.hypot(gate_east, gate_north)
ahead = (gate_east * north - gate_north * east) / width
along = (gate_east * east + gate_north * north) / width
time_s = fixes["gps_epoch"].to_numpy() / 1000.0
crosses = (ahead[:-1] < 0) & (ahead[1:] >= 0) & (along[1:] > 0) & (along[1:] < width)
at = numpy.flatnonzero(crosses)
moments = time_s[at] + (time_s[at + 1] - time_s[at]) * (-ahead[at] / (ahead[at + 1] - ahead[at]))
fixes["lap"] = numpy.searchsorted(moments, time_s, side="right")
laps = numpy.diff(moments)

inertial.to_parquet(folder + "/imu.parquet", index=False)
fixes.to_parquet(folder + "/gps.parquet", index=False)
elapsed_s = time.perf_counter() - began
print(json.dumps({"elapsed_s": elapsed_s, "laps": int(laps.size), "best_ms": float(laps.min() * 1000.0)}))
