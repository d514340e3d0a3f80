export const EXIT_OK = 0;
/** Refused or failed: a broken configuration, a taken port, a reload that was turned down. */
export const EXIT_REFUSED = 1;
/** Called wrongly: an unknown command, a missing argument. */
export const EXIT_USAGE = 2;
