# SPDX-License-Identifier: Apache-2.0

# The page for people without a mouse, and where the browser refuses to copy.

use OCI::Test;
use OCI::Browser;
use utf8;

$ENV{PATH} = "/usr/bin:$ENV{PATH}";
plan(skip_all => 'chromedriver is not installed')
    if system 'command -v chromedriver >/dev/null';

my $server = OCI::Server->start(after => "<Location \"/ui/\">\n"
    . "SetHandler oci-page\nRequire all granted\n</Location>");
my $client = OCI::Client->new($server);
$client->push_image('team/app', $_) for qw(v1 v2);
my $browser = OCI::Browser->start;
$browser->devtools('Browser.grantPermissions', { origin => $server->url,
    permissions => [qw(clipboardReadWrite clipboardSanitizedWrite)] });

sub focus_is {
    my ($selector, $name) = @_;
    ok($browser->wait_for('return document.activeElement.matches(arguments[0])',
        $selector), $name)
        or diag($browser->run('return document.activeElement.outerHTML'));
    return;
}

sub clipboard { $browser->run('return navigator.clipboard.readText()') }

# ---- from the top of the page to a deletion

$browser->open($server->url . '/ui/');
$browser->text_like('#tree', qr/1 of 1/);
ok($browser->tab_to('.skip'), 'the first stop skips the tree');
$browser->press('Enter');
focus_is('main', 'and leads to the content');
$browser->open($server->url . '/ui/');
$browser->text_like('#tree', qr/1 of 1/);
ok($browser->tab_to('#filter'), 'Tab reaches the filter');
ok($browser->tab_to('.toggle'), 'a directory');
$browser->press('Enter');
ok($browser->wait_for('return document.querySelector("#tree li li a")'),
    'Enter opens it');
ok($browser->tab_to('#tree li li a'), 'Tab reaches a repository');
$browser->press('Enter');
$browser->text_like('main', qr/2 of 2/);
focus_is('main h2', 'the focus moves to what is shown');
ok($browser->tab_to('tbody a'), 'Tab reaches a tag');
$browser->press('Enter');
$browser->text_like('main', qr/Manifest as JSON/);
focus_is('main h2', 'the focus moves to the manifest');
ok($browser->tab_to('.commands button'), 'Tab reaches a button to copy');
$browser->press('Enter');
like($browser->text_like('#status', qr/./), qr/Copied/, 'Enter copies');
my $command = $browser->run('return document.querySelector(".commands code")
    .textContent');
is(clipboard(), $command, 'the command is in the clipboard');
focus_is('.commands button', 'and the focus stays');
ok($browser->tab_to('#raw-section summary'), 'Tab reaches the JSON');
$browser->press('Enter');
like($browser->text_like('#raw-section pre', qr/./), qr/"schemaVersion": 2/,
    'Enter opens it');
ok($browser->tab_to('#deletion ~ p button'), 'Tab reaches the deletion');
$browser->press('Enter');
$browser->text_like('dialog', qr/Cancel/);
focus_is('dialog button:not(.danger)', 'the question has Cancel in focus');
$browser->press('Escape');
ok($browser->wait_for('return !document.querySelector("dialog")'),
    'Escape closes it');
focus_is('#deletion ~ p button', 'the focus returns');
status_is($client->get("/v2/team/app/manifests/$_"), 200, "$_ is still there")
    for qw(v1 v2);
$browser->press('Enter');
$browser->text_like('dialog', qr/Cancel/);
ok($browser->tab_to('dialog .danger'), 'Tab reaches the answer');
$browser->press('Enter');
like($browser->text_like('#status', qr/Deleted/), qr/Deleted/, 'deleted');
like($browser->text_like('main', qr/1 of 1/), qr/1 of 1/, 'one tag is left');
focus_is('main h2', 'the focus is on the list');

# ---- copying without the clipboard's API, and where copying is refused

$browser->click('tbody a');
$browser->text_like('main', qr/Manifest as JSON/);
$command = $browser->run('return document.querySelector(".commands code")
    .textContent');
$browser->run('Object.defineProperty(navigator, "clipboard",
    { value: undefined, configurable: true })');
$browser->click('.commands button');
like($browser->text_like('#status', qr/./), qr/Copied/,
    'without the API, as on plain http');
$browser->run('delete navigator.clipboard');
is(clipboard(), $command, 'the clipboard has the command');
$browser->run('navigator.clipboard.writeText = () => Promise.reject(
    new DOMException("", "NotAllowedError")); document.execCommand =
    () => false');
$browser->click('.commands li:nth-child(2) button');
like($browser->text_like('#status', qr/selected/), qr/did not allow copying/,
    'a refusal in words');
is($browser->run('return getSelection().toString()'),
    $browser->run('return document.querySelector(
        ".commands li:nth-child(2) code").textContent'),
    'the command is selected');
$browser->open($server->url . '/ui/?repository=team/app');
$browser->text_like('main', qr/1 of 1/);
$browser->run('navigator.clipboard.writeText = () => Promise.reject(
    new DOMException("", "NotAllowedError")); document.execCommand =
    () => false');
$browser->click('tbody .digest button');
$browser->text_like('#status', qr/selected/);
like($browser->run('return getSelection().toString()'),
    qr/\Asha256:[0-9a-f]{64}\z/, 'all of a digest is selected');
is(join("\n", $browser->console), '', 'nothing in the console');

$browser->stop;
$server->stop;
done_testing;
