from __future__ import annotations

import math
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from livekit.rpc.deadline_heap import COMPACT_THRESHOLD, DeadlineHeap


@dataclass(eq=False)
class Item:
    due: float | None
    entry_due: float = math.inf
    entry_id: int = 0


def make(*dues: float) -> tuple[DeadlineHeap[Item], list[Item]]:
    heap: DeadlineHeap[Item] = DeadlineHeap()
    items = [Item(due) for due in dues]
    for item in items:
        heap.add(item)
    return heap, items


def finish(heap: DeadlineHeap[Item], item: Item) -> None:
    item.due = None
    heap.remove(item)


def test_items_are_popped_when_due_and_once() -> None:
    heap, (late, soon, same) = make(3.0, 1.0, 1.0)
    assert heap.next() == 1.0
    assert heap.pop_due(0.9) == []
    assert heap.pop_due(1.0) == [soon, same]
    assert heap.pop_due(2.0) == []
    assert heap.next() == 3.0
    assert heap.pop_due(10.0) == [late]
    assert heap.next() is None
    assert len(heap) == 0


def test_an_item_moved_later_is_pushed_again() -> None:
    heap, (item,) = make(1.0)
    item.due = 2.0
    heap.add(item)
    assert len(heap) == 1
    assert heap.next() == 1.0
    assert heap.pop_due(1.5) == []
    assert heap.next() == 2.0
    assert heap.pop_due(2.0) == [item]


def test_an_item_moved_earlier_has_a_new_entry() -> None:
    heap, (item,) = make(5.0)
    item.due = 1.0
    heap.add(item)
    assert heap.pop_due(1.0) == [item]
    item.due = 9.0
    heap.add(item)
    assert heap.pop_due(5.0) == []
    assert heap.next() == 9.0


def test_a_removed_item_is_not_popped() -> None:
    heap, (first, second) = make(1.0, 2.0)
    finish(heap, first)
    assert heap.next() == 2.0
    assert heap.pop_due(5.0) == [second]
    finish(heap, second)
    assert heap.next() is None


def test_an_item_without_a_due_time_is_not_popped() -> None:
    heap, (item,) = make(1.0)
    item.due = None
    heap.add(item)
    assert heap.pop_due(5.0) == []
    assert len(heap) == 0


def test_row_29_stale_entries_are_removed() -> None:
    heap, (keeper,) = make(1e9)
    for number in range(50_000):
        item = Item(1000.0 + number)
        heap.add(item)
        finish(heap, item)
        assert len(heap) <= COMPACT_THRESHOLD + 3
    assert heap.pop_due(1e9) == [keeper]


def test_row_29_a_full_heap_is_compacted_at_half() -> None:
    count = 10_000
    heap, items = make(*(float(number) for number in range(count)))
    for item in items[::2]:
        finish(heap, item)
    finish(heap, items[1])
    assert len(heap) == count // 2 - 1
    assert heap.pop_due(count) == items[3::2]


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["add", "later", "earlier", "finish", "pop"]), st.integers(0, 20))
    )
)
def test_any_order_of_steps_keeps_deadlines(steps: list[tuple[int, str, int]]) -> None:
    heap: DeadlineHeap[Item] = DeadlineHeap()
    items = [Item(None) for _ in range(6)]
    now = 0.0
    for index, step, amount in steps:
        item = items[index]
        if step == "add":
            item.due = now + amount
            heap.add(item)
        elif step == "finish":
            finish(heap, item)
        elif step == "later" and item.due is not None:
            item.due += amount
        elif step == "earlier" and item.due is not None:
            item.due -= amount
            heap.add(item)
        elif step == "pop":
            now += amount
            expected = {id(item) for item in items if item.due is not None and item.due <= now}
            popped = heap.pop_due(now)
            assert {id(item) for item in popped} == expected
            assert len(popped) == len(expected)
            for item in popped:
                finish(heap, item)
        first = min((item.due for item in items if item.due is not None), default=None)
        when = heap.next()
        assert first is None or (when is not None and when <= first)
