"""What the probe's child would survive if every rule failed: the hostile models, run by the bare runtime."""

import signal
import subprocess
import sys


def run_confined(model, folder) -> subprocess.CompletedProcess[bytes]:
    script = (
        "import sys, onnxruntime, numpy; from edgewise.intent.limits import Limits, confine, start_alarm;"
        "limits = Limits(memory_bytes=192 << 20, cpu_s=1, wall_s=30); start_alarm(limits); confine(limits);"
        "session = onnxruntime.InferenceSession(open(sys.argv[1], 'rb').read());"
        "session.run(None, {'ids': numpy.zeros((1, 8), 'int32'), 'vals': numpy.zeros((1, 8), 'float32')})"
    )
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return subprocess.run(
        [sys.executable, "-c", script, folder / "model.onnx"], cwd=folder, capture_output=True, timeout=50
    )


def test_an_endless_loop_is_out_of_processor_time_after_a_second(recipe, tmp_path) -> None:
    made = recipe()
    made.nodes.append(made.endless_loop())
    made.outputs.append(made.helper.make_tensor_value_info("forever", made.types.FLOAT, []))
    assert run_confined(made.proto(), tmp_path).returncode == -signal.SIGXCPU


def test_fourteen_gigabytes_are_not_to_be_had(recipe, tmp_path) -> None:
    made = recipe()
    made.nodes.append(made.huge_constant())
    made.outputs.append(made.helper.make_tensor_value_info("huge", made.types.FLOAT, [3_600_000_000]))
    found = run_confined(made.proto(), tmp_path)
    assert found.returncode == 1
    assert b"alloc" in found.stderr


def test_no_file_can_be_written(tmp_path) -> None:
    script = "from edgewise.intent.limits import *; confine(Limits()); open('made', 'w', buffering=1).write('x\\n')"
    found = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True)
    assert b"File too large" in found.stderr
    assert (tmp_path / "made").stat().st_size == 0
