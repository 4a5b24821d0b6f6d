"""Why a training is refused."""

from guanxi_common.errors import InvalidInput, Text


class KindNotAvailable(InvalidInput):
    """The library of this kind of model is missing where the service runs."""

    code, title = "kind_not_available", Text("This kind of model is not available here", "此处无法使用该类模型")


class CutOutOfRange(InvalidInput):
    """A cut whose horizon is not over yet, or a test cut that the training could have seen."""

    code, title = "cut_out_of_range", Text("A cut is out of range", "截点超出范围")


class NotATrainedName(InvalidInput):
    """Models are trained under `retention` and under `related_sale:<product code>`."""

    code, title = "not_trained_here", Text("No training for models of this name", "没有该名称模型的训练")


class TrainingRefused(InvalidInput):
    """The book, or the kind of model, does not allow the training."""

    code, title = "training_refused", Text("The training cannot be done", "无法训练")

    def __init__(self, why: Exception) -> None:
        super().__init__(Text(str(why), f"无法训练：{why}"))


class UnknownProduct(InvalidInput):
    """A model is named after a product that is not in the catalogue."""

    code, title = "unknown_product", Text("The catalogue has no such product", "产品目录中没有该产品")


class LabelOfOtherName(InvalidInput):
    """A label of leaving for a related sale, or the reverse."""

    code, title = "label_not_of_this_name", Text("Models of this name have another label", "该名称的模型使用其他标签")
