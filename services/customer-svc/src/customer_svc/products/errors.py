"""What can go wrong with a product."""

from guanxi_common.errors import Conflict, InvalidInput, Text


class AlreadyInCatalogue(Conflict):
    """The code is taken; a product changes by a new version."""

    code, title = "already_in_catalogue", Text("The product is in the catalogue already", "产品目录中已有该产品")


class BeginsInThePast(InvalidInput):
    """A new version would change what was offered on a day that is over."""

    code, title = "begins_in_the_past", Text("A new version begins today or later", "新版本最早自今日起生效")


class VersionsOverlap(InvalidInput):
    """The version would begin before the newest one; each ends the one before it."""

    code, title = "versions_overlap", Text("A newer version begins later than this one", "已有更晚生效的版本，版本期间重叠")
