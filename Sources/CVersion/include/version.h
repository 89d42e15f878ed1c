/// The commit that the program was built of, in hexadecimal, with `-changed` behind it where the sources differed; `unknown` where
/// neither git nor GODWIT_COMMIT told.
const char *godwit_commit(void);
