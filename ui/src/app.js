// The script of every page. Pages work without it; htmx makes them quick.
import htmx from "htmx.org";

window.htmx = htmx;
