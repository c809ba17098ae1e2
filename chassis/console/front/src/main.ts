// Everything here makes a page quicker to use; no page needs it.
import "htmx.org";
import { bindKeys } from "./keys";
import { bindRail } from "./rail";
import { bindResumption } from "./resume";
import { bindTheme } from "./theme";

bindTheme();
bindRail();
bindKeys();
bindResumption();
