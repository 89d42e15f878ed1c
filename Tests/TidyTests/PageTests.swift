import Testing

/// The pages: every link leads somewhere, and no page is forgotten.
@Suite struct PageTests {
    private static let catalogue = "Sources/godwit/Documentation.docc"
    private static let pages =
        SourceTree.files(in: "Sources", "config", "Benchmarks", ".github", ending: ".md")
        + ["README.md", "CHANGELOG.md"].compactMap(SourceTree.file)

    /// What links of this page name that is not there.
    static func deadLinks(
        in page: SourceTree.File, exists: (String) -> Bool, text: (String) -> String?
    ) -> [Finding] {
        var isCode = false
        return page.lines.enumerated().flatMap { index, line -> [Finding] in
            if line.drop(while: { $0 == " " }).hasPrefix("```") { isCode.toggle() }
            if isCode { return [] }
            return line.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap { part in
                let link = part.prefix { $0 != ")" }
                if link.hasPrefix("http") || link.hasPrefix("doc:") { return nil }
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let target = parts[0].isEmpty ? page.path : resolve(String(parts[0]), from: page.path)
                func finding(_ text: String) -> Finding { Finding(path: page.path, line: index + 1, text: text) }
                guard exists(target) else { return finding("\(link) leads nowhere") }
                guard parts.count == 2, let there = text(target) else { return nil }
                return anchors(in: there).contains(parts[1].lowercased()) ? nil : finding("no heading for \(link)")
            }
        }
    }

    private static func resolve(_ link: String, from path: String) -> String {
        var parts = path.split(separator: "/").dropLast().map(String.init)
        for part in link.split(separator: "/") {
            if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(String(part)) }
        }
        return parts.joined(separator: "/")
    }

    /// The anchors of headings, in lower case, as GitHub and DocC make them.
    private static func anchors(in text: String) -> Set<String> {
        var isCode = false
        var anchors: Set<String> = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") { isCode.toggle() }
            guard !isCode, line.hasPrefix("#") else { continue }
            let title = line.drop { $0 == "#" }.dropFirst().lowercased()
            let kept = title.filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
            anchors.insert(String(kept.map { $0 == " " ? "-" : $0 }))
        }
        return anchors
    }

    @Test func `every link leads to a file and a heading that are there`() {
        #expect(Self.pages.count > 20)
        let found = Self.pages.flatMap { page in
            Self.deadLinks(in: page, exists: SourceTree.exists) { path in
                path.hasSuffix(".md") ? SourceTree.file(path)?.text : nil
            }
        }
        #expect(found.isEmpty, "\(found.report)")
    }

    @Test func `a link that leads nowhere is found`() {
        let page = SourceTree.File("a/b.md", "[x](../c.md)\n[y](../c.md#Not-there) [z](#Here)\n## Here\n[w](d.md)")
        let found = Self.deadLinks(in: page, exists: { ["a/b.md", "c.md"].contains($0) }) { path in
            path == "c.md" ? "# Title" : page.text
        }
        #expect(found.map(\.line) == [2, 4], "\(found)")
    }

    @Test func `the start page leads to every page of the catalogue`() throws {
        let start = try #require(SourceTree.file("\(Self.catalogue)/godwit.md")).text
        for page in Self.pages where page.path.hasPrefix(Self.catalogue) && !page.path.hasSuffix("/godwit.md") {
            let name = page.path.split(separator: "/").last ?? ""
            #expect(start.contains("](\(name))"), "\(name) is not linked")
        }
    }

    /// Paths that a page names between backticks.
    static func paths(in text: String) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
            .map { String($0.element) }
            .filter { name in
                !name.contains(" ") && name.contains("/") && !name.contains("*") && !name.contains("…")
                    && [".swift", ".md", ".py", ".sql", ".yml", ".yaml", "/"].contains { name.hasSuffix($0) }
            }
    }

    @Test(arguments: ["\(catalogue)/Architecture.md", ".github/CONTRIBUTING.md"])
    func `each file that a map names is there`(_ path: String) throws {
        let text = try #require(SourceTree.file(path)).text
        let named = Self.paths(in: text.replacing("```", with: ""))
        #expect(named.count > 15)
        for name in named {
            #expect(SourceTree.exists(name) || SourceTree.exists("Sources/\(name)"), "\(path) names \(name)")
        }
    }
}
