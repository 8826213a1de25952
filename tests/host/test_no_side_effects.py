"""What Python's audit events say of the host while the demo renders: no connection, no other program, no code from
files, and nothing written outside the host's folders for output, temporary and users' files."""

import json


def test_a_render_stays_in_the_hosts_folders(watched_demo):
    run, seen = watched_demo
    assert run.status == "success", run.message
    assert seen == [], json.dumps(seen, indent=1)


def test_the_hook_sees_what_it_is_for(watched_demo, audit):
    audit("begin")
    audit("provoke")
    assert {event for event, _what in audit("end")} == {"pickle.find_class", "open", "os.remove"}
