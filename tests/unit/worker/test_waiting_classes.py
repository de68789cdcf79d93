"""Classes of which no more jobs may begin now."""

from pyresque.worker.waiting_classes import WaitingClasses


def test_a_class_is_left_out_until_its_time_is_over():
    now = [100.0]
    classes = WaitingClasses(lambda: now[0])
    assert classes.seconds_left == float("inf")
    classes.leave_out("A", 5)
    classes.leave_out("B", 2)
    assert (set(classes.until), classes.seconds_left, classes.changes) == ({"A", "B"}, 2, 2)
    now[0] = 102
    classes.look()
    assert (set(classes.until), classes.seconds_left, classes.changes) == ({"A"}, 3, 3)
    classes.look()
    assert classes.changes == 3
    now[0] = 1_000
    assert classes.seconds_left == 0
