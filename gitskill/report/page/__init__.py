"""The report page of a run or a release: values from git, and one HTML file made of them."""
