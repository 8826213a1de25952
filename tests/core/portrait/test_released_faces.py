"""SCRFD and glintr100 with hand-made ONNX graphs of the same shapes, since the released files cannot be shipped."""

import builtins

import numpy as np
import pytest
import torch
from einops import rearrange

from hallo2_core.errors import CheckpointError, MissingDependencyError, SettingsError
from hallo2_core.portrait.released_faces import TEMPLATE, released_face_analysis, straightened

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SIDE = 640


def save_graph(path, nodes, given, made, constants):
    helper = onnx.helper
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in given],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in made],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def detector_file(path, faces, outputs=9):
    """SCRFD's nine outputs, constant. faces: (stride, cell x, cell y, anchor, score, box and points in 640 px)."""
    names, constants = [], []
    tables = {
        (kind, stride): np.zeros((2 * (SIDE // stride) ** 2, width), np.float32)
        for kind, width in (("score", 1), ("bbox", 4), ("kps", 10))
        for stride in (8, 16, 32)
    }
    for stride, x, y, anchor, score, box, points in faces:
        row = (y * (SIDE // stride) + x) * 2 + anchor
        centre = np.array([x, y]) * stride
        tables["score", stride][row] = score
        tables["bbox", stride][row] = np.concatenate([centre - box[:2], box[2:] - centre]) / stride
        tables["kps", stride][row] = ((points - centre) / stride).ravel()
    nodes = [onnx.helper.make_node("ReduceMax", ["picture"], ["top"], keepdims=0)]
    nodes.append(onnx.helper.make_node("Mul", ["top", "none"], ["nothing"]))  # the input is used, and changes nothing
    constants.append(("none", np.zeros((), np.float32)))
    for (kind, stride), table in list(tables.items())[:outputs]:
        name = f"{kind}_{stride}"
        constants.append((name + "_table", table))
        nodes.append(onnx.helper.make_node("Add", [name + "_table", "nothing"], [name]))
        names.append((name, list(table.shape)))
    return save_graph(path, nodes, [("picture", [1, 3, "h", "w"])], names, constants)


def recogniser_file(path, width=512):
    """Answers with the first row's, second row's, … values of the straightened face it is given."""
    nodes = [
        onnx.helper.make_node("Flatten", ["picture"], ["all"], axis=1),
        onnx.helper.make_node("Gather", ["all", "places"], ["embedding"], axis=1),
    ]
    places = np.linspace(0, 3 * 112 * 112 - 1, width).astype(np.int64)
    given, made = [("picture", [1, 3, 112, 112])], [("embedding", [1, width])]
    return save_graph(path, nodes, given, made, [("places", places)])


def seen(stride, box, points, score=0.9, anchor=0):
    """A face as the cell nearest to its middle reports it."""
    x, y = ((box[:2] + box[2:]) / 2 // stride).astype(int)
    return (stride, x, y, anchor, score, box, points)


@pytest.fixture
def face_in_square(faces, picture):
    """portrait_wide (512×288) as SCRFD's 640×640 square holds it: the face's box and points there."""
    (face,) = faces.find(picture("portrait_wide.png"))
    scale = 360 / 288
    return (face.box.numpy() - 0.5) * scale, (face.five_points.numpy() - 0.5) * scale


def test_boxes_points_and_the_embedding_come_from_the_files(tmp_path, faces, picture, face_in_square):
    cv2 = pytest.importorskip("cv2")
    box, points = face_in_square
    detector = detector_file(
        tmp_path / "scrfd.onnx",
        [
            seen(16, box, points, anchor=1),
            seen(32, box + 3, points + 3, score=0.8),  # the same face again
            seen(8, np.array([400.0, 40, 460, 100]), points, score=0.49),  # too unsure
        ],
    )
    analysis = released_face_analysis(detector, recogniser_file(tmp_path / "glintr100.onnx"))
    wide = picture("portrait_wide.png")
    (face,) = analysis.find(wide)
    (expected,) = faces.find(wide)
    torch.testing.assert_close(face.box, expected.box, rtol=0, atol=1e-3)
    torch.testing.assert_close(face.five_points, expected.five_points, rtol=0, atol=1e-3)
    assert face.score == pytest.approx(0.9) and face.recognisable
    assert float((face.landmarks - expected.landmarks).norm(dim=1).mean()) < 1.5

    transform = pytest.importorskip("skimage.transform")
    from_points = face.five_points.double().numpy() - 0.5
    matrix = transform.SimilarityTransform.from_estimate(from_points, np.array(TEMPLATE)).params[:2]
    bytes_ = (wide * 255).round().byte().numpy()
    warped = cv2.warpAffine(bytes_, matrix, (112, 112), borderValue=0.0)
    ours = rearrange(straightened(rearrange(wide, "h w c -> c h w"), face.five_points), "c h w -> h w c") * 255
    difference = np.abs(ours.numpy() - warped)
    print(f"warp: mean {difference.mean():.2f}, largest {difference.max():.1f} of 255")
    assert difference.mean() < 0.6 and difference.max() < 8  # OpenCV places samples to a 32nd of a pixel

    embedding = analysis.identity(wide, face)
    assert embedding.shape == (512,)
    places = np.linspace(0, 3 * 112 * 112 - 1, 512).astype(int)
    theirs = ((rearrange(warped, "h w c -> (c h w)")[places] - 127.5) / 127.5).astype(np.float32)
    np.testing.assert_allclose(embedding.numpy(), theirs, atol=8 / 127.5)


def test_a_tall_picture_is_fitted_by_its_height(tmp_path, faces, picture, on_ground):
    tall = on_ground(1280, 500, 400, 50, 600)
    (expected,) = faces.find(tall)
    box, points = (expected.box.numpy() - 0.5) / 2, (expected.five_points.numpy() - 0.5) / 2
    detector = detector_file(tmp_path / "scrfd.onnx", [seen(32, box, points)])
    analysis = released_face_analysis(detector, recogniser_file(tmp_path / "glintr100.onnx"))
    (face,) = analysis.find(tall)
    torch.testing.assert_close(face.box, expected.box, rtol=0, atol=1e-3)


def test_without_a_detection_the_identity_is_zero_and_the_landmarks_remain(tmp_path, portrait):
    detector = detector_file(tmp_path / "scrfd.onnx", [])
    analysis = released_face_analysis(detector, recogniser_file(tmp_path / "glintr100.onnx"))
    (face,) = analysis.find(portrait)
    assert not face.recognisable and not analysis.identity(portrait, face).any()


def test_files_that_are_not_the_released_ones(tmp_path):
    detector = detector_file(tmp_path / "scrfd.onnx", [])
    recogniser = recogniser_file(tmp_path / "glintr100.onnx")
    with pytest.raises(CheckpointError, match="There is no missing.onnx in .*built-in"):
        released_face_analysis(tmp_path / "missing.onnx", recogniser)
    (tmp_path / "torn.onnx").write_bytes(detector.read_bytes()[:3000])
    with pytest.raises(CheckpointError, match="cannot open torn.onnx"):
        released_face_analysis(tmp_path / "torn.onnx", recogniser)
    with pytest.raises(CheckpointError, match="has 6 outputs.*scrfd_10g_bnkps"):
        released_face_analysis(detector_file(tmp_path / "no_points.onnx", [], outputs=6), recogniser)
    with pytest.raises(CheckpointError, match="512 values were expected"):
        released_face_analysis(detector, recogniser_file(tmp_path / "small.onnx", width=128))
    with pytest.raises(SettingsError, match="cannot run on 'quantum' here; choose one of 'cpu'"):
        released_face_analysis(detector, recogniser, provider="quantum")


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.split(".")[0] == "onnxruntime":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match="extra 'face'"):
        released_face_analysis(tmp_path / "scrfd.onnx", tmp_path / "glintr100.onnx")
