import Consumers

/// What a command line that names no command was meant to be.
package enum CommandSuggestion {
    /// The message for arguments whose first word is no command; nil where it is one, or no word.
    package static func message(_ arguments: [String], commands: [String]) -> String? {
        guard let word = arguments.first, !word.hasPrefix("-"), word != "help", !commands.contains(word) else {
            return nil
        }
        let nearest = NearestName.of(word, among: commands).map { "; did you mean `godwit \($0)`?" }
        return "there is no command \"\(LogLine.harmless(word))\"" + (nearest ?? "; `godwit --help` lists them")
    }
}
