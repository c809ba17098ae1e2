// Everything here makes a page quicker to use; no page needs it.
import "htmx.org";
import { bindCounts } from "./counts";
import { bindElsewhere } from "./elsewhere";
import { bindKeys } from "./keys";
import { bindLists } from "./lists";
import { bindPalette } from "./palette";
import { bindParts } from "./parts";
import { bindRail } from "./rail";
import { bindResumption } from "./resume";
import { bindRows } from "./rows";
import { bindSubmit } from "./submit";
import { bindTheme } from "./theme";
import { bindToasts } from "./toasts";

bindTheme();
bindRail();
bindPalette();
bindKeys();
bindLists();
bindSubmit();
bindResumption();
bindParts();
bindElsewhere();
bindCounts();
bindRows();
bindToasts();
