// Package browser lets a test use Usher's pages as a fan does, in a real Chromium of the distribution, driven over the debugging pipe.
//
//	b := browser.New(t, s.Public[0], browser.Phone)              // a fan of his own: own cookies, own cache
//	b.Open("/")
//	b.Fill("City", "Toronto")
//	b.Click("button", "Search")                                  // by role and accessible name, as a screen reader tells them
//	b.See("2 events")                                            // waits
//	b.Check()                                                    // axe-core, layout shift, nothing wider than the window
//	b.Screen("search-found")                                     // docs/screens/search-found-360.png and -1280.png, if asked for
//
// One Chromium serves all tests of a process; it starts with the first and ends with Main or with the process. When a test ends, every
// error on a console, violation of the content security policy, failed request and answer of 400 or more that its tabs saw fails
// it, unless the test has said with Forgive that it provokes it.
//
// A machine without Chromium fails the tests, it does not skip them, unless USHER_BROWSER=skip says so. USHER_CHROMIUM names the program
// where it has an unusual name. USHER_SCREENS names the folder for screenshots; without it none are taken.
package browser
