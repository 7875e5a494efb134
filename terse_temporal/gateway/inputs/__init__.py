"""Questions to a person in the gateway: finding and answering them, and the page of one."""
