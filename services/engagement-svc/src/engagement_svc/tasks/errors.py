"""What can go wrong with a task."""

from guanxi_common.errors import InvalidInput, Text


class NotTheCustomersTask(InvalidInput):
    """A task named is unknown, or another customer's."""

    code, title = "not_the_customers_task", Text("Not a task of this customer", "不是该客户的任务")
