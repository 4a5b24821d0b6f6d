"""The bank's directory (outlets, staff, roles) and the book (who looks after which customer), as every service keeps them."""
