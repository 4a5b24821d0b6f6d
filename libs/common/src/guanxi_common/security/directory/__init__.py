"""The bank's directory (outlets, staff, clients, roles) and the book (who looks after which customer), as every service keeps them."""
