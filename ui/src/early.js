// Loaded before the page is drawn: what only works with JavaScript is shown, what only helps without it is hidden.
document.documentElement.classList.add("js");
