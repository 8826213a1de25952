"""VIDEOs of the kinds that hosts hand out."""

from comfy_api.latest import Input, InputImpl, io


class Cropped(InputImpl.VideoFromFile):
    """As a host may hand out one whose file holds more of each frame than is to be shown: the left half of it here."""

    def get_dimensions(self):
        width, height = super().get_dimensions()
        return width // 2, height

    def get_components(self):
        components = super().get_components()
        components.images = components.images[:, :, : components.images.shape[2] // 2]
        return components

    def save_to(self, path, **_options):
        InputImpl.VideoFromComponents(self.get_components()).save_to(path)


class ProbeCroppedVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeCroppedVideo", inputs=[io.Video.Input("video")], outputs=[io.Video.Output()])

    @classmethod
    def execute(cls, video: Input.Video):
        return io.NodeOutput(Cropped(video.get_stream_source()))


NODES = [ProbeCroppedVideo]
