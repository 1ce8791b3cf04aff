# SPDX-License-Identifier: Apache-2.0

# The page for people where the registry asks for a login: by
# conf/examples/page.conf (Basic), and with tokens.  A browser without a window
# cannot be asked for a password or a certificate: the password is in a URL, and
# certificates are not played.

use OCI::Test;
use OCI::Auth;
use OCI::Browser;

$ENV{PATH} = "/usr/bin:$ENV{PATH}";
plan(skip_all => 'chromedriver is not installed')
    if system 'command -v chromedriver >/dev/null';

my $browser = OCI::Browser->start;

sub log_in {
    my ($user, $password) = @_;
    utf8::decode($password);
    $browser->click('#account button');
    $browser->type('#user', $user);
    $browser->type('#password', $password);
    $browser->click('dialog [type=submit]');
    return;
}

sub push_as_admin {
    my ($server, @names) = @_;
    my $client = OCI::Client->new($server, headers => [ Authorization =>
        OCI::Auth->new($server, 'admin')->{basic} ]);
    $client->push_image($_, 'v1') for @names;
    return;
}

# ---- Basic, with the example's file

my $text = OCI::Server::slurp("$OCI::Server::TOP/conf/examples/page.conf");
$text =~ s{/var/lib/mod_oci}{\@STORE\@} or die;
$text =~ s{/etc/mod_oci.passwd}{\@DIR\@/passwd} or die;
my $login = OCI::Auth::file_login();
my $server = OCI::Server->start(location => '', modules => [qw(auth_basic
    authn_core authn_file authz_user)], after => "$text\n<Location \"/in/\">\n"
    . "SetHandler oci-page\n$login\nRequire valid-user\n</Location>");
$server->allows(qr/AH016(?:17|18|30|31)/);
OCI::Auth::passwords($server);
push_as_admin($server, 'team/app');
status_is(OCI::Client->new($server)->get('/ui/'), 200,
    'page.conf: the page is open to everybody');

# A browser that has logged in at one URL sends the password to the others.
$browser->open('http://admin:' . $OCI::Auth::PASSWORD{admin} . '@'
    . $server->host . '/in/');
$browser->open($server->url . '/ui/?repository=team/app');
like($browser->text_like('main', qr/1 of 1/), qr/v1/, 'Basic: the tags');
$server->stop;

# ---- tokens: pulls from pub/ without a login, more with one

$server = OCI::Server->start(OCI::Auth::setup('tokens, open pull'), after =>
    "<Location \"/ui/\">\nSetHandler oci-page\nRequire all granted\n</Location>");
$server->allows(qr/AH016(?:17|18|30|31)/);
OCI::Auth::passwords($server);
my $token = OCI::Auth->new($server, 'admin')->token_for(
    'repository:pub/app:pull,push,delete',
    'repository:team/app:pull,push,delete');
my $client = OCI::Client->new($server,
    headers => [ Authorization => "Bearer $token" ]);
$client->push_image($_, 'v1') for qw(pub/app team/app);
$browser->open($server->url . '/ui/?repository=pub/app');
like($browser->text_like('main', qr/1 of 1/), qr/v1/,
    'tokens: tags without a login');
unlike($browser->text_like('#tree', qr/\d of \d|no repositories/), qr/team/,
    'other repositories are not listed');
$browser->open($server->url . '/ui/?repository=pub/app&tag=v1');
unlike($browser->text_like('main', qr/Manifest as JSON/), qr/Delete/,
    'nothing can be deleted without a login');
$browser->open($server->url . '/ui/?repository=team/app&tag=v1');
like($browser->text_like('main', qr/login/), qr/asks for a login/,
    'tokens: a login is needed');
log_in(reader => $OCI::Auth::PASSWORD{reader});
unlike($browser->text_like('main', qr/Manifest as JSON/), qr/Delete/,
    'the reader sees it, and cannot delete');
$browser->click('#account button');
$browser->text_like('main', qr/login/);
log_in(writer => $OCI::Auth::PASSWORD{writer});
$browser->text_like('main', qr/Manifest as JSON/);
$browser->click('#account button');
$browser->text_like('main', qr/login/);
log_in(admin => $OCI::Auth::PASSWORD{admin});
like($browser->text_like('main', qr/Delete with all its tags/), qr/Delete tag v1/,
    'the administrator may delete');
$browser->click('#deletion ~ p button');
$browser->click('dialog .danger');
like($browser->text_like('#status', qr/Deleted/), qr/Deleted/, 'and does');
$server->stop;
$browser->stop;
done_testing;
