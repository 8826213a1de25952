// What a mouse, pen or finger does: choose and drag spans and edges, set the playhead, make and edit spans.

const DRAG_BEGINS_PX = 3;

/**
 * @param {import("./view.mjs").TimelineView} view
 * @param {import("./editor.mjs").TimelineEditor} editor
 */
export function listenToPointer(view, editor) {
  let gesture = null;

  view.element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return; // the other buttons are the graph's
    event.stopPropagation(); // or a node drawn as HTML would be dragged along
    editor.endEdit(event.target);
    const begun = view.content.contains(event.target) ? gestureAt(event, view, editor) : null;
    if (begun === null) return;
    gesture = { ...begun, id: event.pointerId, x: event.clientX, moving: false };
    editor.beginGesture(gesture);
    if (begun.what === "playhead") editor.dragTo(gesture, event.clientX, event);
  });

  view.element.addEventListener("pointermove", (event) => {
    if (event.pointerId !== gesture?.id) return;
    if (!gesture.moving && Math.abs(event.clientX - gesture.x) > DRAG_BEGINS_PX) {
      gesture.moving = true;
      view.scroller.setPointerCapture(event.pointerId); // not before: a click would be the scroller's
    }
    if (gesture.moving) editor.dragTo(gesture, event.clientX, event);
  });

  for (const end of ["pointerup", "pointercancel"]) {
    view.element.addEventListener(end, (event) => {
      if (event.pointerId !== gesture?.id) return;
      gesture = null;
      editor.endGesture();
    });
  }

  // Focus goes where a gesture puts it; a press on anything but a text that is edited selects no letters.
  view.element.addEventListener("mousedown", (event) => {
    event.stopPropagation();
    if (event.button === 0 && !isEdited(event.target)) event.preventDefault();
  });

  view.element.addEventListener("dblclick", (event) => {
    event.stopPropagation(); // the graph would open its search
    if (isEdited(event.target) || !view.content.contains(event.target)) return;
    const [seconds, row] = [view.secondsAt(event.clientX, editor.length), rowOf(event, view)];
    if (placeOf(event.target)) editor.rename();
    else if (row) editor.addAt(row, seconds);
  });

  view.element.addEventListener("click", (event) => {
    const { command } = event.target;
    if (command) editor.run(command);
  });
}

function gestureAt(event, view, editor) {
  const { target, clientX } = event;
  if (isEdited(target)) return null;
  const place = placeOf(target);
  if (place === null) return { what: "playhead", row: rowOf(event, view) };
  const { edge } = target.dataset;
  const grabbed = view.secondsAt(clientX, editor.length);
  return edge ? { what: "edge", edge, place, grabbed } : { what: "span", place, grabbed };
}

function placeOf(target) {
  const box = target.closest(".h2t-span");
  return box && { row: box.dataset.row, index: Number(box.dataset.index) };
}

function rowOf(event, view) {
  return view.rows.find(({ element }) => element.contains(event.target))?.name ?? null;
}

const isEdited = (target) => target.matches(".h2t-text:not([readonly])");
