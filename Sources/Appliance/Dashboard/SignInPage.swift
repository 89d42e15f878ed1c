/// The page at `/signin`.
enum SignInPage {
    enum Problem: Sendable, Hashable {
        case wrong
        case tooMany(Duration)
        case foreign
    }

    static func html(next: String, problem: Problem? = nil) -> HTML {
        PageFrame.plain(
            "Sign in",
            """
            <h1>Sign in</h1>
            \(problem.map { "<p class=\"failed\" role=\"alert\">\(text($0))</p>" } ?? HTML.empty)
            <form method="post" action="/signin" class="card">
            <input type="hidden" name="next" value="\(LocalPath.safe(next))">
            <p class="field"><label for="actor">Your name, for the audit</label>
            <input id="actor" name="actor" maxlength="80" autocomplete="username"></p>
            <p class="field"><label for="token">Token</label>
            <input id="token" name="token" type="password" autocomplete="current-password" required autofocus></p>
            <p class="buttons"><button type="submit" class="main">Sign in</button></p>
            </form>
            <p class="quiet">The operator's token is <code>admin.token_file</code>, a viewer's \
            <code>admin.viewer_token_file</code>. A session ends after 12 hours without use.</p>
            """)
    }

    private static func text(_ problem: Problem) -> String {
        switch problem {
        case .wrong: "The token is wrong."
        case .tooMany(let wait): "Too many wrong tokens came from your address: try again in \(AgeText.format(wait))."
        case .foreign: "The form came from another page: load this one again."
        }
    }

    /// For a link of another site, which the browser sends without the session's cookie: the page asks again by itself.
    static func again(_ path: String) -> HTML {
        PageFrame.plain(
            "Godwit", "<p><a href=\"\(path)\">Go on</a></p>", refresh: path)
    }
}
