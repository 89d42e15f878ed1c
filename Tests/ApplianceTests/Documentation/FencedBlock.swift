/// A fenced block of a page.
struct FencedBlock: Sendable {
    let language: String
    let content: String
    /// The line of its first fence, counted from 1.
    let line: Int
    /// The programs of another machine that it is for, from a comment before it: `<!-- elsewhere: docker, kubectl -->`.
    let elsewhere: [String]?

    static func all(in text: String) -> [FencedBlock] {
        var blocks: [FencedBlock] = []
        var open: (language: String, line: Int, indent: Int)?
        var content: [Substring] = []
        var mark: [String]?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let indent = line.prefix { $0 == " " }.count
            let bare = line.dropFirst(indent)
            if let block = open {
                if bare == "```" {
                    let text = content.map { $0.dropFirst(min(block.indent, $0.prefix { $0 == " " }.count)) + "\n" }
                    blocks.append(
                        FencedBlock(
                            language: block.language, content: text.joined(), line: block.line, elsewhere: mark))
                    (open, mark, content) = (nil, nil, [])
                } else {
                    content.append(line)
                }
            } else if bare.hasPrefix("```") {
                open = (String(bare.dropFirst(3)), index + 1, indent)
            } else if bare.hasPrefix("<!-- elsewhere: ") {
                mark = bare.dropFirst("<!-- elsewhere: ".count).dropLast(" -->".count).split(separator: ", ")
                    .map(String.init)
            }
        }
        return blocks
    }

    /// The first word of each command, with those behind `&&` and `|` and without continued lines.
    var programs: Set<String> {
        let commands = content.replacing("\\\n", with: " ").split(separator: "\n").filter { !$0.hasPrefix("#") }
            .flatMap { $0.split(separator: "&&") }.flatMap { $0.split(separator: "|") }
        return Set(commands.compactMap { $0.split(separator: " ").first.map(String.init) })
    }
}
