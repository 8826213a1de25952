"""What the host's process does while other graphs run, by Python's audit events."""

import importlib.util
import json
import pickle
from pathlib import Path

import folder_paths
from comfy_api.latest import io, ui

BEGIN, PROVOKE, END = "begin", "provoke", "end"


class ProbeAudit(io.ComfyNode):
    """begin: from now on, everything is watched. provoke: loads a class from a pickle, writes to the models' folder.
    end: what was objected to."""

    watch = None

    @classmethod
    def define_schema(cls):
        do = io.Combo.Input("do", options=[BEGIN, PROVOKE, END])
        return io.Schema("ProbeAudit", inputs=[do], outputs=[], is_output_node=True)

    @classmethod
    def fingerprint_inputs(cls, do):
        return float("nan")

    @classmethod
    def execute(cls, do):
        if cls.watch is None:
            own = folder_paths.get_output_directory, folder_paths.get_temp_directory, folder_paths.get_user_directory
            ProbeAudit.watch = _hook().Watch(*(folder() for folder in own))
        watch = ProbeAudit.watch
        if do == BEGIN:
            watch.seen, watch.is_on = [], True
        elif do == PROVOKE:
            pickle.loads(pickle.dumps(Path))
            (Path(folder_paths.models_dir) / "provoked").write_bytes(b"")
            (Path(folder_paths.models_dir) / "provoked").unlink()
        else:
            watch.is_on = False
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(watch.seen)))


def _hook():
    """The same as for the command line."""
    spec = importlib.util.spec_from_file_location("audit_hook", Path(__file__).resolve().parents[2] / "audit_hook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NODES = [ProbeAudit]
