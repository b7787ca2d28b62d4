"""What the steps take and give: orders, what may be printed, states, and their JSON."""
