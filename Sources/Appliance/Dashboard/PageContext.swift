/// What every page knows beside what it shows: who looks, where they are, and what was done just now.
struct PageContext: Sendable {
    let caller: AdminCaller
    let route: AdminRoute
    /// Where the page is, with its query.
    let path: String
    /// What was done, in a word that the page knows.
    var note: String?
    /// Whether payloads and what is made of them are hidden.
    var hidesPayloads = false
    /// Whether anything can be changed over this port.
    var isChangeable = false

    var canChange: Bool { caller.canChange }
}

/// The forms of the pages: one for each, to which all buttons belong, so that everything works without the script.
enum PageForm {
    static let id = "orders"

    /// The form itself, with what shows that it is this session's.
    ///
    /// A browser has Enter press the first of its buttons on the page; this one is disabled, so that Enter presses nothing. So the
    /// form is to come before all fields and buttons that belong to it.
    static func form(_ context: PageContext, _ fields: HTML = .empty) -> HTML {
        guard context.canChange else { return .empty }
        return """
            <form id="\(id)" method="post"><button type="submit" disabled hidden></button>\(hidden(context))\(fields)</form>
            """
    }

    /// What each form that changes something brings along.
    static func hidden(_ context: PageContext) -> HTML {
        """
        <input type="hidden" name="form_token" value="\(context.caller.formToken ?? "")">\
        <input type="hidden" name="back" value="\(LocalPath.safe(context.path))">
        """
    }

    static func button(
        _ title: String, _ action: String, kind: String = "", label: String? = nil, confirm: String? = nil,
        name: String? = nil, value: String = ""
    ) -> HTML {
        let question: HTML = confirm.map { " data-confirm=\"\($0)\"" } ?? HTML.empty
        let label: HTML = label.map { " aria-label=\"\($0)\"" } ?? HTML.empty
        let name: HTML = name.map { " name=\"\($0)\" value=\"\(value)\"" } ?? HTML.empty
        return """
            <button type="submit" form="\(id)" formaction="\(action)" class="\(kind)"\(name)\(label)\(question)>\(title)</button>
            """
    }

    /// Why nothing can be changed on a page, and what to do.
    static func whyNot(_ context: PageContext, _ commands: [String]) -> HTML {
        if context.canChange { return .empty }
        let list = commands.map { "<code>\($0)</code>" as HTML }
        var text = HTML.empty
        for (index, command) in list.enumerated() { text += index == 0 ? command : ", \(command)" }
        if !context.isChangeable {
            return """
                <p class="quiet">Nothing can be changed here: no <code>admin.token_file</code> is configured. Use \(text).</p>
                """
        }
        if context.caller.role == .viewer, context.caller.isSignedIn {
            return
                "<p class=\"quiet\">You are signed in as a viewer, who may change nothing. Use \(text), or sign in as an operator.</p>"
        }
        return "<p class=\"quiet\">Sign in as an operator to change something here, or use \(text).</p>"
    }
}
