"""The pack as the host sees it when it starts."""

import re

NODES = {
    "Hallo2ExampleInputs",
}


def own_nodes(host):
    return {name: info for name, info in host.nodes().items() if name.startswith("Hallo2")}


def test_every_node_registers(host):
    assert set(own_nodes(host)) == NODES
    assert not re.findall(r"IMPORT FAILED.*Hallo2|Traceback", host.log())


def test_import_time(host, pack):
    assert host.import_seconds(pack) <= 0.3
