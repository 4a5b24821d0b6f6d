"""The personal financial plan and its reviews, in small (E12, E13): agreed with the customer, reviewed when due, *plan reviewed* told."""
