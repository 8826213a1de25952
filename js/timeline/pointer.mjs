// Mouse, pen and touch: select and drag spans and edges, set the playhead, add and edit spans, zoom.

const DRAG_BEGINS_PX = 3;

/**
 * @param {import("./view.mjs").TimelineView} view
 * @param {{session: import("./session.mjs").TimelineSession, typing: import("./typing.mjs").Typing,
 *   commands: import("./commands.mjs").Commands, gesture: import("./gesture.mjs").Gesture}} parts of the editor
 */
export function listenToPointer(view, { session, typing, commands, gesture }) {
  let drag = null;

  view.element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return; // the other buttons belong to the graph
    event.stopPropagation(); // otherwise a node drawn as HTML would be dragged along
    typing.end(event.target);
    const pressed = view.content.contains(event.target) ? dragAt(event, view, session.length) : null;
    if (pressed === null) return;
    drag = { ...pressed, id: event.pointerId, x: event.clientX, moving: false };
    gesture.begin(drag);
    if (drag.what === "playhead") gesture.dragTo(drag, event.clientX, event);
  });

  view.element.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drag?.id) return;
    if (!drag.moving && Math.abs(event.clientX - drag.x) > DRAG_BEGINS_PX) {
      drag.moving = true;
      view.scroller.setPointerCapture(event.pointerId); // not earlier: the scroller would get the click
    }
    if (drag.moving) gesture.dragTo(drag, event.clientX, event);
  });

  for (const end of ["pointerup", "pointercancel"]) {
    view.element.addEventListener(end, (event) => {
      if (event.pointerId !== drag?.id) return;
      drag = null;
      gesture.end();
    });
  }

  // Gestures set the focus; a press selects text only in a text that is being edited.
  view.element.addEventListener("mousedown", (event) => {
    event.stopPropagation();
    if (event.button === 0 && !isEdited(event.target)) event.preventDefault();
  });

  view.element.addEventListener("dblclick", (event) => {
    event.stopPropagation(); // otherwise the graph would open its search
    if (isEdited(event.target) || !view.content.contains(event.target)) return;
    const [seconds, row] = [view.secondsAt(event.clientX, session.length), rowOf(event, view)];
    if (placeOf(event.target)) typing.begin();
    else if (row) commands.addAt(row, seconds);
  });

  view.element.addEventListener("click", (event) => {
    const { command } = event.target;
    if (command) commands.run(command);
  });

  // In a focused timeline the wheel zooms, with Shift it scrolls. Otherwise it goes to the graph.
  view.scroller.addEventListener(
    "wheel",
    (event) => {
      if (!view.element.contains(document.activeElement)) return;
      if (event.shiftKey) view.scroller.scrollLeft += event.deltaX + event.deltaY;
      else commands.zoom(event.deltaY < 0 ? 1.25 : 0.8, view.secondsAt(event.clientX, session.length));
      event.preventDefault();
      event.stopPropagation();
    },
    { passive: false },
  );
}

function dragAt(event, view, length) {
  const { target, clientX } = event;
  if (isEdited(target)) return null;
  const place = placeOf(target);
  if (place === null) return { what: "playhead", row: rowOf(event, view) };
  const { edge } = target.dataset;
  const grabbed = view.secondsAt(clientX, length);
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
