"""What the page says about its machine, on made-up systems that tell a lot, little or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mpm.measure.health import (
    Conditions,
    Usage,
    Watch,
    load_warnings,
    read_conditions,
    read_gpu,
    run_tool,
    usage,
)
from mpm.measure.machine import ZERO_GPU, device_facts, device_name, processor_name

CPU = torch.device("cpu")


def write(root, files: dict[str, str]):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def pi(tmp_path):
    write(
        tmp_path,
        {
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "61500\n",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "2400000\n",
        },
    )
    return tmp_path


def test_a_raspberry_pi(pi):
    now = read_conditions(pi, lambda command: "throttled=0x50005\n")
    assert now == Conditions(61.5, 2400.0, "under-voltage, throttled")
    assert read_conditions(pi, lambda command: "throttled=0x50000\n").throttled == "", "earlier, not now"
    assert processor_name(pi).startswith("Raspberry Pi 5")


def test_a_system_that_tells_nothing(tmp_path):
    assert read_conditions(tmp_path, lambda command: None) == Conditions()
    assert processor_name(tmp_path)


def test_nonsense_is_unknown(pi):
    write(
        pi,
        {
            "sys/class/thermal/thermal_zone0/temp": "broken",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "",
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "-5",
        },
    )
    assert read_conditions(pi, lambda command: "throttled=nonsense") == Conditions()


def test_a_battery_is_no_processor(tmp_path):
    zone = "sys/class/thermal/thermal_zone0/"
    write(tmp_path, {zone + "type": "battery", zone + "temp": "30000"})
    write(tmp_path, {"sys/class/hwmon/hwmon0/name": "k10temp", "sys/class/hwmon/hwmon0/temp1_input": "48000"})
    assert read_conditions(tmp_path, lambda command: None).temperature_c == 48


def test_an_nvidia_gpu():
    assert read_gpu("GPU-1", lambda command: "54, 1980, Not Active, Active\n") == Conditions(
        54, 1980, "thermal or power slowdown"
    )
    assert read_gpu("GPU-1", lambda command: "54, [N/A], Not Active, Not Active") == Conditions(54, None, "")
    assert read_gpu("GPU-1", lambda command: None) == Conditions()


def test_tools_that_are_missing_or_fail():
    assert run_tool(["no-such-tool-anywhere"]) is None
    assert run_tool(["false"]) is None
    assert run_tool(["true"]) == ""


def watch_over(*seen: Conditions) -> tuple[str, ...]:
    looks = iter(seen)
    watch = Watch(CPU, lambda: next(looks))
    for _ in seen[1:]:
        watch.look()
    return watch.warnings()


def test_a_clock_that_moved_is_told():
    steady = Conditions(50, 2400, "")
    assert not any("clock" in text for text in watch_over(steady, replace(steady, clock_mhz=2350)))
    assert any("1500 and 2400 MHz" in text for text in watch_over(steady, replace(steady, clock_mhz=1500)))
    assert any(
        "under-voltage" in text for text in watch_over(steady, replace(steady, throttled="under-voltage"))
    )
    hot = replace(steady, events=3), replace(steady, events=4)
    assert any("throttled by its temperature" in text for text in watch_over(*hot))
    assert not any("throttled" in text for text in watch_over(hot[0], hot[0]))


def test_the_load_of_others_is_told():
    start = Usage(0.0, 0.0, 0.0, 0.0, 2)
    assert load_warnings(start, Usage(10.0, 15.0, 14.5, 0.0, 2)) == []
    (others,) = load_warnings(start, Usage(10.0, 19.0, 10.0, 0.0, 2))
    assert "0.9 of 2 cores" in others
    (stolen,) = load_warnings(start, Usage(10.0, 10.0, 10.0, 4.0, 2))
    assert "20 %" in stolen
    one_core = replace(start, cores=1)
    assert "1 core busy" in load_warnings(one_core, Usage(10.0, 10.0, 5.0, 0.0, 1))[0]
    assert load_warnings(None, None) == [] and load_warnings(start, start) == []


def test_usage_here_only_grows():
    first, second = usage(), usage()
    assert first.cores >= 1 and second.own >= first.own and second.wall >= first.wall


def test_facts_name_what_is_unknown(tiny, monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    facts = dict(device_facts(tiny))
    assert facts["Temperature"] == facts["Clock"] == facts["Throttling"] == "unknown"
    assert facts["Number format"] == "float32" and facts["PyTorch"] == torch.__version__
    assert "SDPA" in facts["Attention"] and "GPU" not in facts and "Shared" not in facts
    known = dict(device_facts(tiny, Conditions(61.5, 2400, "")))
    assert (known["Temperature"], known["Clock"], known["Throttling"]) == ("62 °C", "2400 MHz", "none")


def test_zero_gpu_is_named(tiny, monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert dict(device_facts(tiny))["Shared"] == ZERO_GPU
    assert "core" in device_name()
