// Everything here makes a page quicker to use; no page needs it.
import "htmx.org";
import { bindKeys } from "./keys";
import { bindLists } from "./lists";
import { bindRail } from "./rail";
import { bindResumption } from "./resume";
import { bindRows } from "./rows";
import { bindTheme } from "./theme";

bindTheme();
bindRail();
bindKeys();
bindLists();
bindResumption();
bindRows();
